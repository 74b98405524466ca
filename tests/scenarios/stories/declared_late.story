# Made after the opening, the resident's declaration only marks it; the worker's, within 10 min, also stops the timed
# steps until an opening after its end starts them again.
until 10:20
09:00    door 3/1203 closed
09:01    door 3/1204 closed
09:30    door 3/1203 opens
           raised undeclared-opening 3/1203
           page worker
09:31    resident declares 3/1203 until 09:40 rubbish
09:32    door 3/1204 opens
           raised undeclared-opening 3/1204
           page worker
09:33    worker declares 3/1204 until 09:45 parcel
09:34    door 3/1204 closes
09:35      page police step 1 undeclared-opening 3/1203
           page doctor step 1
09:36    worker closes undeclared-opening 3/1203 declared-late
           closed declared-late
09:36    door 3/1203 closes
09:40    door 3/1204 opens
           matched undeclared-opening 3/1204
09:41    door 3/1204 closes
09:46    door 3/1204 opens
           repeated
09:47    door 3/1204 closes
09:51      page police step 1
           page doctor step 1
09:57      cleared
