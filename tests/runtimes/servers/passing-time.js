// Times that go on by command, too. Timers stay real.

let passedMs = 0
const [realNow, realDateNow] = [performance.now.bind(performance), Date.now.bind(Date)]
// On Node other members of it are needed.
Object.defineProperty(performance, 'now', { value: () => realNow() + passedMs })
Date.now = () => realDateNow() + passedMs

export function pass(ms) {
  passedMs += ms
}
