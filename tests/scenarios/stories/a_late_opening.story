# A late opening is raised when it arrives, with its own time; over an hour late it pages the worker and climbs no
# further than the supervisor.  It does not change a door whose newer state is known.
until 12:00
09:00    door 3/1203 closed at 09:00
09:01    door 3/1204 closed at 09:01
09:50    door 3/1203 closed at 09:50
10:00    door 3/1203 open at 09:40
           raised undeclared-opening 3/1203
           page worker
           cleared
10:05      page police step 1
           page doctor step 1
10:06    doctor closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
10:30    door 3/1204 open at 09:20
           raised undeclared-opening 3/1204
           page worker
11:30      page supervisor step 2
