// A thermometer of the Bluetooth Health Thermometer profile (service 0x1809, measurement 0x2A1C).

const SERVICE = 0x1809;
const MEASUREMENT = 0x2a1c;
// Where it was measured, by the profile's temperature type.
const SITES = { 1: "axilla", 3: "ear", 9: "ear", 11: "wrist", 12: "neck" };

export function hasBluetooth() {
  return Boolean(navigator.bluetooth && navigator.bluetooth.requestDevice);
}

/** A measurement → {celsius, site}, or null for one that says it is no number. */
export function measured(view) {
  const flags = view.getUint8(0);
  const raw = view.getUint32(1, true);
  const exponent = view.getInt8(4);
  let mantissa = raw & 0xffffff;
  // IEEE 11073: these say "not a number", "not at this resolution", the infinities.
  if (mantissa >= 0x7ffffe && mantissa <= 0x800002) return null;
  if (mantissa & 0x800000) mantissa -= 0x1000000;
  let value = mantissa * Math.pow(10, exponent);
  if (flags & 1) value = ((value - 32) * 5) / 9;
  let offset = 5;
  if (flags & 2) offset += 7;
  const type = flags & 4 && view.byteLength > offset ? view.getUint8(offset) : 0;
  return { celsius: Math.round(value * 10) / 10, site: SITES[type] || "" };
}

/** Ask for a thermometer and call `read({celsius, site})` for each measurement; `ended()` when it is gone. */
export async function connect(read, ended) {
  const device = await navigator.bluetooth.requestDevice({ filters: [{ services: [SERVICE] }] });
  device.addEventListener("gattserverdisconnected", ended);
  const server = await device.gatt.connect();
  const service = await server.getPrimaryService(SERVICE);
  const characteristic = await service.getCharacteristic(MEASUREMENT);
  characteristic.addEventListener("characteristicvaluechanged", (event) => {
    const reading = measured(event.target.value);
    if (reading) read(reading);
  });
  await characteristic.startNotifications();
  return device.name || "";
}
