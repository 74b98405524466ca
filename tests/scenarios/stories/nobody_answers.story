# Nobody acknowledges: police and doctor after 5 min to the second, the supervisor after 60, once.
until 11:59
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:35      page police step 1
           page doctor step 1
10:30      page supervisor step 2
