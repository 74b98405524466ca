# Raised at once, paged when the hours begin; not at all if well by then; the police never.
until +1 08:30
20:00    publish zigbee2mqtt/z-0307 {"contact":true,"battery":15}
           raised low-battery 3/0307
22:00    publish zigbee2mqtt/z-0307 {"contact":true,"battery":12}
22:10    door 3/1203 closed battery 9
           raised low-battery 3/1203
23:00    door 3/1203 closed battery 100
           cleared
           closed
+1 00:30   raised sensor-silent 3/0307
+1 00:31   page worker
+1 01:00 publish zigbee2mqtt/z-0307 {"contact":true,"battery":20}
           cleared
           closed
+1 01:30   raised sensor-silent 3/1203
+1 01:31   page worker
+1 02:00 door 3/1203 closed
           cleared
           closed
+1 03:30   raised sensor-silent 3/0307
+1 03:31   page worker
+1 04:00 publish zigbee2mqtt/z-0307 {"contact":true,"battery":20}
           cleared
           closed
+1 04:30   raised sensor-silent 3/1203
+1 04:31   page worker
+1 06:30   raised sensor-silent 3/0307
+1 06:31   page worker
+1 08:00   page worker low-battery 3/0307
