# What cannot be is refused with its reason, and the replay goes on.
until 09:30
09:00    door 3/1203 closed
09:01    worker acknowledges undeclared-opening 3/1203
           rejected no-open-incident
09:02    worker acknowledges undeclared-opening 3/9999
           rejected unknown-subject
09:03    resident declares 3/1203 until 09:19 rubbish
           rejected not-allowed
09:04    worker declares 3/1203 until 13:05 repair
           rejected not-allowed
09:05    resident declares 9/9999 until 09:10 rubbish
           rejected unknown-subject
09:06    worker mutes 3/1203 until 13:07
           rejected not-allowed
09:07    publish threshold/g017/door-3-1203/door {"state":"ajar"}
           rejected malformed
09:08    publish threshold/g017/door-9-9999/door {"state":"open"}
           rejected unknown-device
09:09    publish threshold/g017/door-3-1203/colour {"state":"open"}
           rejected unknown-topic
09:10    command {"command":"dance","by":"w1"}
           rejected malformed
09:11    command {"command":"close","subject":"g017/3/1203","kind":"nonsense","role":"worker","by":"w1","disposition":"test"}
           rejected malformed
