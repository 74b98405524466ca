# Five sensors offline at once: one matter about the area, and none of each; a single one left over is paged itself.
fleet: area
until 10:13:59
09:00    publish threshold/g017/door-1/status offline
09:00:10 publish threshold/g017/door-2/status offline
09:00:20 publish threshold/g017/door-3/status offline
           raised area-silent g017
           page worker
           page supervisor
09:01    publish threshold/g017/door-4/status offline
09:05    publish threshold/g017/door-5/status offline
09:15:20   page police step 1
09:40    publish threshold/g017/door-1/door {"state":"closed"}
09:41    publish threshold/g017/door-2/door {"state":"closed"}
09:42    publish threshold/g017/door-3/door {"state":"closed"}
09:43    publish threshold/g017/door-4/door {"state":"closed"}
           cleared
           closed
           raised sensor-silent g017/1/0105
09:44      page worker
