# 2.5 report intervals without a word; the page is held for a minute in case the whole area is silent.
until 14:00
09:00    door 3/1203 closed
09:30    publish zigbee2mqtt/z-0307 {"contact":true,"battery":80}
11:30      raised sensor-silent 3/1203
11:31      page worker
11:35    door 3/1203 closed
           cleared
           closed
12:00      raised sensor-silent 3/0307
12:00:30 publish zigbee2mqtt/z-0307 {"contact":true}
           cleared
           closed
