until 11:30
09:00    door 3/1203 closed n 4
09:10    door 3/1203 closed n 6
           raised lost-openings 3/1203
           page worker
09:20    resident declares 3/1203 until 09:30 rubbish
09:25    door 3/1203 closed n 7
           matched
09:40    door 3/1203 closed n 2
10:00    door 3/1203 opens n 3
           raised undeclared-opening 3/1203
           page worker
10:01    worker acknowledges undeclared-opening 3/1203
           acknowledged worker
10:02    worker closes lost-openings 3/1203 device-fault
           closed device-fault lost-openings
10:03    worker closes undeclared-opening 3/1203 true-alarm
           closed true-alarm undeclared-opening
10:08      raised left-open
           page worker
10:09    door 3/1203 closes n 3
           cleared
           closed
