//! The role at work: a fresh store, a scripted Gemini.

mod answers;
mod queue;
mod rig;
