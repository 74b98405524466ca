# An acknowledgement at the very instant of a step comes too late for it.
until 09:50
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:35      page police step 1
           page doctor step 1
09:35    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
