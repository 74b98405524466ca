# A repeat after the condition had cleared starts it afresh: step 0 again, old acknowledgements void, 60 min again.
until 11:00
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:31    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:32    door 3/1203 closes
09:42      cleared
09:50    door 3/1203 opens
           repeated
           page worker
09:51    door 3/1203 closes
09:55      page police step 1
           page doctor step 1
10:01      cleared
10:50      page supervisor step 2
