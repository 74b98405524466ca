# A state is not an event: the same again is nothing; one that differs was missed, and is raised once.
until 09:50
09:00    door 3/1203 closed
09:10    door 3/1203 closed retained
09:20    door 3/1203 open retained
           raised undeclared-opening 3/1203
           page worker
09:21    door 3/1203 open retained
09:22    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:30    door 3/1203 closed retained
09:40      cleared
