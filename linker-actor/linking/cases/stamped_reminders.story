# Reminders whose tags bear an id change and move like all others.
a 09:00:00 -
  user: Count the apples
  answer: Seven.
b 09:00:10 -
  user: <system-reminder id="0123456789abcdef">\nToday is Monday.\n</system-reminder id="0123456789abcdef">
  block: Count the apples
  assistant: Seven.
  user: Now the pears
  block: <system-reminder id="00ff00ff00ff00ff00ff">\nBe brief.\n</system-reminder id="00ff00ff00ff00ff00ff">
  call t1 Bash: ls
c 09:00:20 -
  user: Count the apples\n<system-reminder id="fedcba9876543210">\nToday is Tuesday.\n</system-reminder id="fedcba9876543210">
  assistant: Seven.
  user: Now the pears
  assistant: Looking.
  calls t1 Bash: ls
  result t1: nine\n<system-reminder id="fedcba9876543210">\nMind the rest.\n</system-reminder id="fedcba9876543210">
  answer: Nine.
d 09:00:30 -
  upto c
  assistant: Nine.
  user: Thanks
expect b turn of a on main
expect c turn of b on main
expect d turn of c on main
