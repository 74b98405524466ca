// Other people's encoders: one request a line of stdin (JSON), one answer a line of stdout.
// zigbee: raw Zigbee messages through the converters of Zigbee2MQTT, as the state that it would publish.
// sparkplug: a payload through Eclipse Tahu's encoder, in base64.
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const require = createRequire(process.argv[2] + '/');
console.debug = console.info = () => {};

async function zigbee({model, maker, messages}) {
  const converters = require('zigbee-herdsman-converters');
  converters.setLogger({debug() {}, info() {}, warning() {}, error() {}});
  const endpoint = {
    ID: 1, inputClusters: [], outputClusters: [], binds: [], configuredReportings: [], meta: {},
    supportsInputCluster: () => true, getClusterAttributeValue: () => undefined, getDevice: () => device,
  };
  const device = {
    ieeeAddr: '0x00158d0000000001', type: 'EndDevice', modelID: model, manufacturerName: maker, meta: {},
    endpoints: [endpoint], getEndpoint: () => endpoint, powerSource: 'Battery', interviewState: 'SUCCESSFUL',
  };
  const definition = await converters.findByDevice(device, false);
  const states = [];
  for (const message of messages) {
    const state = {};
    const heard = {...message, endpoint, device, linkquality: 90, groupID: 0, meta: {rawData: Buffer.alloc(0)}};
    for (const converter of definition.fromZigbee) {
      if (converter.cluster === message.cluster && [converter.type].flat().includes(message.type)) {
        const meta = {state: {}, device, deviceExposesChanged() {}};
        Object.assign(state, await converter.convert(definition, heard, () => {}, {}, meta));
      }
    }
    states.push({...state, linkquality: 90});
  }
  return {model: definition.model, vendor: definition.vendor, states};
}

function sparkplug({payload}) {
  const bytes = require('sparkplug-payload').get('spBv1.0').encodePayload(payload);
  return {base64: Buffer.from(bytes).toString('base64')};
}

for await (const line of createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(await {zigbee, sparkplug}[request.kind](request)));
}
