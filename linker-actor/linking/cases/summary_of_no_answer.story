# A continuation whose summary the client wrote itself, from its notes: it goes on from what came last, not from an
# older summary that others have gone on from.
a 09:00:00 S
  user: hi
  answer: Hello.
b 09:00:10 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the apples were to be sorted first, and so they were, one after another.
  assistant: Hello.
  user: on
  answer: On.
k 09:00:20 S
  after b
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.</summary>
c 09:00:30 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the pears were to be sorted by size, colour and name, and so on and on.
  answer: Pears.
d 09:00:40 S
  after c
  user: go
  answer: Gone.
e 09:00:50 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: the plums were to be sorted as the last of all the fruit in the garden.
  assistant: Gone.
  user: more
  answer: More.
f 09:01:00 S
  after e
  user: thanks
expect b compact of a on compact_090010 by session
expect c compact of k on compact_090030 by summary
expect e compact of d on compact_090050 by session
expect f turn of e on compact_090050
