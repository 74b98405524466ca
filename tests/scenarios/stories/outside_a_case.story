# A household's sensor outside a case raises nothing.  What stands when a case starts is a first word.
until 10:20
09:00    door 7/0101 closed
09:10    door 7/0101 opens
09:40    command {"command":"open-case","household":"g017/7/0101","device":"door-7-0101","from":"10:00","until":"+9 10:00","by":"w1","role":"worker"}
10:05      raised left-open 7/0101
           page worker
10:14    door 7/0101 closes
           cleared
           closed
