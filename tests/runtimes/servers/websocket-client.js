const [url, ...protocols] = process.argv.slice(2)
const socket = new WebSocket(url, protocols)
socket.addEventListener('open', () => socket.send('hello'))
socket.addEventListener('error', () => console.log(JSON.stringify('refused')))
socket.addEventListener('message', ({ data }) => {
  console.log(JSON.stringify({ protocol: socket.protocol, data }))
  socket.close()
})
