# Closed by a person while the door stands open, its clock starts again at the closing.
until 09:59
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:33    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
09:38      raised left-open
           page worker
09:40    worker closes left-open 3/1203 true-alarm
           closed true-alarm
09:45      raised left-open
           page worker
09:50    door 3/1203 closes
           cleared
           closed
