# With two sensors an incident clears when all are well.
until 09:59
09:00    publish threshold/g017/door-3-0902a/door {"state":"closed"}
09:00    publish threshold/g017/door-3-0902b/door {"state":"closed"}
09:30    publish threshold/g017/door-3-0902a/door {"state":"open"}
           raised undeclared-opening 3/0902
           page worker
09:31    publish threshold/g017/door-3-0902b/door {"state":"open"}
           repeated
09:32    publish threshold/g017/door-3-0902a/door {"state":"closed"}
09:33    worker acknowledges undeclared-opening 3/0902
           acknowledged worker
09:40    publish threshold/g017/door-3-0902b/door {"state":"closed"}
09:50      cleared
