// Deliberate bugs, to prove that the simulation would find them. Production
// has none: there Mutated() is a constant. //core/run:run_mutable has them all,
// one at a time; tests/sim/mutants_test.cc wants every one of them found.
#ifndef DIST_CORE_RUN_MUTANTS_H_
#define DIST_CORE_RUN_MUTANTS_H_

namespace dist {

enum class Mutant {
  kNone,
  kHearStaleWorker,      // Words of a dead incarnation count.
  kForgetLostTests,      // What a lost worker held is not given back.
  kForgetReturnedTests,  // What was given back is not pending again.
  kForgetReturnedRanks,  // It is pending, but no queue finds it.
  kBlameAnyDeath,        // A death blames the next test though none ran.
  kUncountedRetry,       // A retry is no attempt.
  kOneRetryMore,
  kOneRestartMore,
  kUncountedLoss,  // A test that takes hosts down runs for ever.
  kCrashOnFirstLoss,
  kBlameNoUnsaid,  // Nor does one whose beginning was not said in time.
  kTrustAll,       // Suspects are leased with others.
  kShareBundle,    // Two workers run parts of one bundle.
  kReverseBundle,
  kKeepBundle,        // A bundle stays with a worker that is done with it.
  kOverlook,          // Who was denied a bundle does not hear it is free.
  kTakeBeforeAnswer,  // A stolen test is leased before it is given back.
  kLeaseTwice,
  kNeverSteal,
  kNeverAskAgain,  // Who was asked to give back once never is again.
  kLeaseWhileStopping,
  kMaxfailIgnoresCrashes,
  kNeverHold,    // Who has failed goes on before the stop can come.
  kNeverHarden,  // A stop waits for ever.
  kForgetAmendment,
  kGiveUpEarly,   // Workers that start are not waited for.
  kLostIsFine,    // The exit status does not know of lost tests.
  kNoHorizon,     // All that is pending goes to who asks first.
  kHoard,         // A test is noted whenever it comes back, and thrice.
  kLeaveOut,      // The last test of each list is none.
  kGiveUpUnsaid,  // What is given up is judged without a word.
  kFeedOnce,      // Who has begun a test gets no other.
  kDither,        // What a worker gets depends on what is no event.
  kEnd
};

#ifdef DIST_MUTANTS
inline Mutant active_mutant = Mutant::kNone;
inline bool Mutated(Mutant mutant) { return active_mutant == mutant; }
#else
constexpr bool Mutated(Mutant) { return false; }
#endif

}  // namespace dist

#endif  // DIST_CORE_RUN_MUTANTS_H_
