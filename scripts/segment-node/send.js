// Sends identify, group, track, page and alias calls of one made-up account
// with Segment's official Node SDK, waits until they are delivered, and says
// what was sent. Ends with 1 when anything was not delivered.
//
//   node send.js ADDRESS WRITEKEY [EVENTS]
const { Analytics } = require('@segment/analytics-node')

const [address, writeKey, count = '40'] = process.argv.slice(2)
if (!address || !writeKey || !(Number(count) >= 0)) {
  console.error('usage: node send.js ADDRESS WRITEKEY [EVENTS]')
  process.exit(2)
}

const run = Date.now().toString(36)
const account = `node-sdk-${run}`
const users = ['ada', 'grace', 'edsger'].map((name) => ({
  userId: `${name}-${run}`,
  name: name[0].toUpperCase() + name.slice(1),
  email: `${name}.${run}@example.org`,
}))
const features = ['Report Created', 'Report Exported', 'Dashboard Shared', 'Member Invited']

const sent = {}
const failed = []
let requests = 0

const analytics = new Analytics({ host: address, path: '/v1/batch', writeKey, flushAt: 15, maxRetries: 2 })
analytics.on('error', (e) => failed.push(`${e.code}: ${e.reason?.message ?? e.reason ?? 'not delivered'}`))
analytics.on('http_response', (r) => {
  requests++
  if (r.status !== 200) failed.push(`HTTP ${r.status} ${r.statusText}`)
})

function call(kind, message) {
  sent[kind] = (sent[kind] ?? 0) + 1
  analytics[kind](message)
}

for (const [i, u] of users.entries()) {
  call('identify', { userId: u.userId, traits: { name: u.name, email: u.email, role: i === 0 ? 'champion' : 'user' } })
  call('group', {
    userId: u.userId,
    groupId: account,
    traits: { name: `Node SDK ${run}`, plan: 'pro', seats: 10, industry: 'Software' },
  })
}
const day = 24 * 60 * 60 * 1000
for (let i = 0; i < Number(count); i++) {
  call('track', {
    userId: users[i % users.length].userId,
    event: features[i % features.length],
    properties: { feature: `f${i % 5}`, rows: 100 + i },
    context: { groupId: account },
    timestamp: new Date(Date.now() - (i % 28) * day),
  })
}
call('page', { userId: users[0].userId, name: 'Reports', properties: { path: '/reports' }, context: { groupId: account } })
call('alias', { userId: users[0].userId, previousId: `visitor-${run}` })

analytics.closeAndFlush({ timeout: 20000 }).then(() => {
  for (const [kind, n] of Object.entries(sent)) console.log(`${String(n).padStart(5)} ${kind}`)
  console.log(`account ${account}, ${users.length} people, ${requests} requests to ${address}/v1/batch`)
  if (failed.length > 0) {
    console.error(`not delivered:\n  ${[...new Set(failed)].join('\n  ')}`)
    process.exit(1)
  }
  console.log('all delivered')
})
