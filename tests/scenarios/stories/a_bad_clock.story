# A device's clock is off by hours: its skew is learnt, nobody is late.  Set anew in the middle, it is learnt again.
until 10:29
09:00    door 3/1203 closed at 06:00
09:10    door 3/1203 opens at 06:10
           raised undeclared-opening 3/1203
           page worker
09:11    door 3/1203 closes at 06:11
09:12    worker closes undeclared-opening 3/1203 test
           closed test
09:20    door 3/1203 opens at 05:20
           raised undeclared-opening 3/1203
           page worker
09:21      cleared
09:21    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:22    door 3/1203 closes at 05:22
09:24    door 3/1203 closed at 05:24
09:26    door 3/1203 closed at 05:26
09:28    door 3/1203 closed at 05:28
09:30    worker closes undeclared-opening 3/1203 device-fault
           closed device-fault
09:40    door 3/1203 opens at 05:40
           raised undeclared-opening 3/1203
           page worker
09:41    door 3/1203 closes at 05:41
09:42    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
09:51      cleared
10:12      acknowledgement-expired worker
           page worker
