//! Analyses through whole processes, in front of a scripted Gemini: what of a recorded session is sent,
//! what is left of a job when a process is killed at it, what wakes a worker, and who is told of a failure.

mod branches;
mod faults;
mod notices;
mod rig;
mod wake;
