# An acknowledgement that led to nothing expires 30 min after it was last given; the door stands open, so steps are due
# their minutes after that.  Then nobody closes it: the supervisor, 60 min after the raising.
until 11:10
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:31    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:45    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
10:15      acknowledgement-expired worker
           page worker
10:20      page police step 1
           page doctor step 1
10:30      page supervisor step 2
