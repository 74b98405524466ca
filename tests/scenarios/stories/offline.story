# Said to be offline for 10 min is silent, too; a retained word of it is one as well; heard ends it.
until 10:00
09:00    publish threshold/g017/door-3-1203/status offline
09:05    publish threshold/g017/door-3-1204/status offline
09:10      raised sensor-silent 3/1203
09:11      page worker
09:14    door 3/1204 closed
09:20    door 3/1203 closed
           cleared sensor-silent 3/1203
           closed
