# A compaction, its continuation with a kept tail, another one after it, resumed under another session.
a 09:00:00 S
  user: sort the apples
  answer: Sorted.
b 09:00:10 S
  after a
  user: and the pears
  answer: Also sorted.
k 09:00:20 S
  after b
  user: CRITICAL: Respond with TEXT ONLY. Your task is to create a detailed summary of the conversation so far
  answer: <analysis>a</analysis><summary>1. Primary Request and Intent: sort the apples, then sort the pears as well, all by colour.</summary>
c 09:00:30 S
  user: This session is being continued from a previous conversation that ran out of context. The summary below covers it. Summary: 1. Primary Request and Intent: sort the apples, then sort the pears as well, all by colour. If you need details, ask.
  assistant: Also sorted.
  user: now the plums
  answer: Plums.
d 09:00:40 S
  after c
  user: thanks
  answer: Welcome.
l 09:00:50 S
  after d
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: the plums were sorted behind the apples and the pears.</summary>
e 09:01:00 T
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the plums were sorted behind the apples and the pears. Continue.
  block: go on
  answer: On.
f 09:01:10 T
  after e
  user: and on
expect k turn of b on main
expect c compact of k on compact_090030 by summary
expect d turn of c on compact_090030
expect l turn of d on compact_090030
expect e compact of l on compact_090100 with a
expect f turn of e on compact_090100
