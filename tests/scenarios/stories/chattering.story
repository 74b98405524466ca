# More than 5 toggles within 5 min: one maintenance item, which suppresses no alarm.
until 09:45
09:00    door 3/1203 closed
09:01    worker declares 3/1203 until 09:40 child
09:30    door 3/1203 opens
           matched undeclared-opening 3/1203
09:30:30 door 3/1203 closes
09:31    door 3/1203 opens
           matched
09:31:30 door 3/1203 closes
09:32    door 3/1203 opens
           matched
09:32:30 door 3/1203 closes
           raised chattering
           page worker
09:33    door 3/1203 opens
           matched undeclared-opening
09:33:30 door 3/1203 closes
09:43:30   cleared chattering
           closed
