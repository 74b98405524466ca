// A door sensor written with MQTT.js: says what it is told to, and ends when all of it was acknowledged.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, url, name, password, topic, count, version, authority] = process.argv.slice(2);
const mqtt = createRequire(modules + "/")("mqtt");
const client = await mqtt.connectAsync(url, {
  clientId: name,
  username: name,
  password,
  protocolVersion: Number(version),
  reconnectPeriod: 0,
  will: { topic: topic + "/availability", payload: "offline", qos: 1, retain: true },
  ...(authority ? { ca: readFileSync(authority), servername: "localhost" } : {}),
}).catch((error) => {
  console.log("refused:", error.message);
  process.exit(3);
});
const said = [];
for (let n = 0; n < Number(count); n++) {
  said.push(client.publishAsync(topic, JSON.stringify({ contact: false, battery: n % 100 }), { qos: 1 }));
}
await Promise.all(said);
console.log("acknowledged", said.length);
await client.endAsync();
