// Speaks as Zigbee2MQTT does, with its own library: everything retained, QoS 0 or 1, very large lists of what it knows.
import { createRequire } from "node:module";

const [modules, url, name, password, lists] = process.argv.slice(2);
const mqtt = createRequire(modules + "/")("mqtt");
const base = "zigbee2mqtt";
const client = await mqtt.connectAsync(url, {
  clientId: name,
  username: name,
  password,
  protocolVersion: 4,
  reconnectPeriod: 0,
  will: { topic: `${base}/bridge/state`, payload: JSON.stringify({ state: "offline" }), qos: 1, retain: true },
});
client.on("close", () => console.log("closed"));
const retained = { qos: 1, retain: true };
// It listens for commands; there is nobody here to send it any.
client.subscribe(`${base}/#`, () => {});
await client.publishAsync(`${base}/bridge/state`, JSON.stringify({ state: "online" }), retained);
const many = (bytes) => JSON.stringify([{ ieee_address: "0x1", definition: { exposes: "x".repeat(bytes) } }]);
await client.publishAsync(`${base}/bridge/definitions`, many(Number(lists)), retained);
await client.publishAsync(`${base}/bridge/devices`, many(Number(lists)), retained);
for (const contact of [true, false, true]) {
  await client.publishAsync(`${base}/door-1`, JSON.stringify({ contact, linkquality: 90 }), { qos: 0, retain: false });
}
await client.publishAsync(`${base}/door-2`, JSON.stringify({ contact: false, linkquality: 70 }), { qos: 1, retain: false });
await client.publishAsync(`${base}/bridge/logging`, JSON.stringify({ level: "info", message: "x" }), { qos: 1 });
console.log("acknowledged");
client.removeAllListeners("close");
await client.endAsync();
