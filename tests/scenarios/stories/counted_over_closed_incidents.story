# "3 within 30 min" counts openings of closed incidents, too, but not of those closed as no true alarm; 30:00 is within.
until 11:14
09:00    door 3/1203 closed
09:01    door 3/1204 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:31    door 3/1203 closes
09:32    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
09:40    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:41    door 3/1203 closes
09:42    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
10:00    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
           page police step 1
           page doctor step 1
10:01    door 3/1203 closes
10:02    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
10:30    door 3/1204 opens
           raised undeclared-opening 3/1204
           page worker
10:31    door 3/1204 closes
10:32    worker closes undeclared-opening 3/1204 false-alarm
           closed false-alarm
10:40    door 3/1204 opens
           raised undeclared-opening 3/1204
           page worker
10:41    door 3/1204 closes
10:42    worker acknowledges undeclared-opening 3/1204
           acknowledged worker
10:45    door 3/1204 opens
           repeated
10:46    door 3/1204 closes
10:56      cleared
11:12      acknowledgement-expired worker
           page worker
