# A permitted window covers openings like a declaration; past its end the door is left open.
policy: meals
until 08:09
06:50    door 3/1203 closed
07:10    door 3/1203 opens
           matched undeclared-opening 3/1203
07:12    door 3/1203 closes
07:50    door 3/1203 opens
           matched
08:00      raised left-open
           page worker
08:01    door 3/1203 closes
           cleared
           closed
08:02    door 3/1203 opens
           raised undeclared-opening
           page worker
08:07      page police step 1
           page doctor step 1
