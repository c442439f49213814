# Two compactions with the same summary, word for word: what follows the second goes on from the second.
a 09:00:00 ~S
  user: sort the apples
  answer: Sorted.
k 09:00:10 ~S
  after a
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.</summary>
c 09:00:20 ~S
  user: This session is being continued from a previous conversation that ran out of context. The conversation is summarized below: Summary: 1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.
  answer: On.
d 09:00:30 ~S
  after c
  user: and the pears
  answer: Sorted too.
l 09:00:40 ~S
  after d
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.</summary>
e 09:00:50 ~S
  upto c
  user: and the plums
  answer: Plums.
f 09:01:00 ~S
  after e
  user: thanks
  answer: Welcome.
m 09:01:10 ~S
  after f
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: scratch work in a temporary directory, nothing else to do.</summary>
g 09:01:20 ~S
  upto c
  answer: Once more.
h 09:01:30 ~S
  after g
  user: the end
expect c compact of k on compact_090020
expect d turn of c on compact_090020
expect e compact of l on compact_090050
expect f turn of e on compact_090050
expect g compact of m on compact_090120
expect h turn of g on compact_090120
