# A call 15 min late, a morning without a visit.
fleet: rounds
until 19:30
08:00    door 3/1203 closed
09:45      raised missed-call g017/3/1203
           page worker
09:50    worker acknowledges missed-call 3/1203
           acknowledged worker
10:10    resident calls 3/1203
           cleared
           closed
12:00      raised missed-visit
           page worker
13:00      page supervisor step 1
13:20    worker visits 3/1203
           cleared
           closed
18:30    worker visits 3/1203
