# A door never heard before is learnt, not alarmed; open, it starts the clock of left-open.
until 09:20
09:00    door 3/1203 open
09:01    door 3/1204 closed
09:05      raised left-open 3/1203
           page worker
09:06    door 3/1203 closes
           cleared
           closed
