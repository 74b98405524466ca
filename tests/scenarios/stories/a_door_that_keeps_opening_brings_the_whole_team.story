# The third undeclared opening within 30 min goes to police and doctor, though the worker has answered.
until 10:29
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:31    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:40    door 3/1203 closes
09:41    door 3/1203 opens
           repeated
09:42    door 3/1203 closes
09:50    door 3/1203 opens
           repeated
           page police step 1
           page doctor step 1
09:51    door 3/1203 closes
10:01      cleared
           acknowledgement-expired worker
           page worker
