// Lines {"version": 4 | 5, "hex": "…"} in; for each, what mqtt-packet of npm read and wrote anew: {"hex"} or {"error"}.
// The one argument is the folder of the package.
'use strict'
const mqtt = require(process.argv[2])
const lines = require('fs').readFileSync(0, 'utf8').trim().split('\n')
for (const line of lines) {
  const { version, hex } = JSON.parse(line)
  const answer = {}
  const parser = mqtt.parser({ protocolVersion: version })
  parser.on('packet', (packet) => {
    try {
      answer.hex = mqtt.generate(packet, { protocolVersion: version }).toString('hex')
    } catch (error) {
      answer.error = String(error)
    }
  })
  parser.on('error', (error) => { answer.error = String(error) })
  try {
    parser.parse(Buffer.from(hex, 'hex'))
  } catch (error) {
    answer.error = String(error)
  }
  console.log(JSON.stringify(answer))
}
