# While the bridge is down its sensors are not silent for themselves; back, each has its whole time again.
fleet: bridge
until 10:14
09:00    publish zigbee2mqtt/z-1 {"contact":true}
09:00    publish zigbee2mqtt/z-2 {"contact":true}
09:05    publish zigbee2mqtt/bridge/state {"state":"offline"}
           raised bridge-down bridge/z2m-17
           page worker
09:06    worker acknowledges bridge-down bridge/z2m-17
           acknowledged worker
09:35      page supervisor step 1
09:36      acknowledgement-expired worker
           page worker
09:40    publish zigbee2mqtt/bridge/state online
           cleared
           closed
09:41    publish zigbee2mqtt/z-1 {"contact":true}
10:05      raised sensor-silent g017/2/0202
10:06      raised sensor-silent g017/2/0201
           page worker sensor-silent g017/2/0202
10:07      page worker sensor-silent g017/2/0201
