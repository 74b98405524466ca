# A snooze holds steps until its end, then the clock goes on with the minutes it had left.  A mute holds all but tamper,
# fevers and the supervisor's pages.
until 11:29
09:00    door 3/1203 closed
09:01    door 3/1204 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:32    worker snoozes undeclared-opening 3/1203 until 09:42
09:40    door 3/1203 closes
09:45      page police step 1
           page doctor step 1
09:50      cleared
10:00    worker mutes 3/1204 until 10:20
10:05    door 3/1204 opens
           raised undeclared-opening 3/1204
10:20      page worker
10:25      page police step 1
           page doctor step 1
10:40      page supervisor step 2 undeclared-opening 3/1203
10:41    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
11:05      page supervisor step 2 undeclared-opening 3/1204
