# The same message again, late and out of order, is the same message.
until 09:50
09:00    door 3/1203 closed seq 1
09:30    door 3/1203 opens seq 2
           raised undeclared-opening 3/1203
           page worker
09:30    door 3/1203 opens seq 2
09:31    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:31    door 3/1203 closes seq 3
09:32    door 3/1203 opens seq 2
09:33    door 3/1203 closes seq 3
09:41      cleared
