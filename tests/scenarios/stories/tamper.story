# Worker and police at once, the doctor never; the first true raises, false clears, a person closes.
until 11:20
09:00    publish zigbee2mqtt/z-0307 {"contact":true,"tamper":false}
09:30    publish zigbee2mqtt/z-0307 {"contact":true,"tamper":true}
           raised tamper 3/0307
           page worker
           page police
09:31    publish zigbee2mqtt/z-0307 {"contact":true,"tamper":true}
09:40    publish zigbee2mqtt/z-0307 {"contact":true,"tamper":false}
           cleared
09:50    publish zigbee2mqtt/z-0307 {"contact":true,"tamper":true}
           repeated
           page worker
           page police
10:50      page supervisor step 1
