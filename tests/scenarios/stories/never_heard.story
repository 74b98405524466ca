# A device never heard at all is silent 24 h after the system first knew it.
fleet: rounds
until +1 09:02
09:00    tick
09:45      raised missed-call g017/3/1203
           page worker
10:00      page police step 1
           page doctor step 1
12:00      raised missed-visit
           page worker
13:00      page supervisor step 1
18:00      repeated
+1 09:00   raised sensor-silent
+1 09:01   page worker
