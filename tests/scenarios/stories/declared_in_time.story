# Declared, opened, closed in time: recorded as matched, nobody is paged.  Over-long it is left open.
until 11:00
09:00    door 3/1203 closed
09:29    resident declares 3/1203 until 09:35 rubbish
09:30    door 3/1203 opens
           matched undeclared-opening 3/1203
09:33    door 3/1203 closes
10:00    resident declares 3/1203 until 10:05 parcel
10:01    door 3/1203 opens
           matched undeclared-opening 3/1203
10:05      raised left-open
           page worker
10:15      page police step 1
10:20    door 3/1203 closes
           cleared
           closed
