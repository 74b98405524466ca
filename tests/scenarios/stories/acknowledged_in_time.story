# The worker answers in time and closes: nobody else is called, and no other incident for the door that stayed open.
until 12:00
09:00    door 3/1203 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:34:59 worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:50    door 3/1203 closes
09:58    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm
