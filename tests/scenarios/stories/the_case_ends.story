# What closes by itself closes with the case; the rest stays for a person and climbs no further than the supervisor.
until 11:00
09:00    door 3/1203 closed
09:01    door 3/1204 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:31    resident declares 3/1204 until 09:32 rubbish
09:31    door 3/1204 opens
           matched undeclared-opening 3/1204
09:32      raised left-open
           page worker
09:33    command {"command":"close-case","household":"g017/3/1203","reason":"released","by":"w1","role":"worker"}
09:34    command {"command":"close-case","household":"g017/3/1204","reason":"released","by":"w1","role":"worker"}
           closed left-open 3/1204
09:40    door 3/1204 opens
10:30      page supervisor step 2 undeclared-opening 3/1203
