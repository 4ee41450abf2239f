/*
 * Shared decisions. A value in Redis is sealed with the fence of its slot, as it was read before the endpoint was asked, and
 * with the era of the server. A revocation replaces the fence. One token, one slot. `version` counts the changes at the
 * endpoint; a decision has the version that it was made in.
 *
 * Checked: no request gets a decision that is older than a revocation which was acknowledged before the request began, and
 * an instance never goes back behind what the endpoint told it. A push must age local entries: for those the revocation
 * counts once the instance has handled it, which takes `revocationMs` at most (lease.pml).
 *
 * Faults: a failover or restart brings back a state that the engine had before, and a fence is evicted. A read or a write
 * of a value may fail at any time. Each -D is a mistake that spin must find.
 */

#define CHANGES 1
#ifndef FAULTS
#define FAULTS 1
#endif
#define REQUESTS 2
#define ABSENT 0

byte version; /* The endpoint. */

/* The engine, and the state that a failover or restart brings back: replication and files keep the order of writes. */
typedef Data { byte fence; bool isStored; byte valueFence; byte valueEra; byte valueVersion }
Data now, copy;
byte fences; /* Each fence is new: 12 random bytes. */
byte eras = 1; /* Counts promotions and restarts. */
byte runId = 1; /* The process keeps it when it becomes a replica and later the primary again. */
byte faults;

byte acknowledged; /* The newest change whose revocation is acknowledged. */
byte published; /* The newest change that was pushed. */
byte handled; /* The newest push that the instance has handled, which is also the generation of its slot. */

#if defined(NO_ERA)
#define ERA 1
#elif defined(RUN_ID_ALONE)
#define ERA runId
#else
#define ERA eras
#endif

#ifdef COUNTED_FENCE
#define NEW_FENCE now.fence + 1
#else
#define NEW_FENCE fences
#endif

#ifdef NO_FENCE
#define OPENS (now.isStored && now.valueEra == ERA)
#else
#define OPENS (now.isStored && now.valueEra == ERA && now.valueFence == now.fence)
#endif

#ifdef NO_FLOOR
#define ABOVE_FLOOR true
#else
#define ABOVE_FLOOR (now.valueVersion >= told)
#endif

inline replaceFence() {
  fences++;
#ifdef NO_FENCE
  now.isStored = false
#else
  now.fence = NEW_FENCE
#endif
}

/* MGET. The connection belongs to one era. An absent fence gets a value first: SET NX, GET. */
inline readFence() {
  if
  :: now.fence == ABSENT -> fences++; now.fence = NEW_FENCE
  :: else
  fi;
  usedFence = now.fence;
  usedEra = ERA
}

inline writeValue() {
#ifdef LATE_FENCE
  readFence();
#endif
#ifdef LATE_ERA
  usedEra = ERA;
#endif
  now.isStored = true;
  now.valueFence = usedFence;
  now.valueEra = usedEra;
  now.valueVersion = got
}

proctype Revoker() {
  do
  :: version < CHANGES ->
#ifdef INVALIDATED_FIRST
     atomic { replaceFence(); published = version + 1 };
     version++;
#else
     version++;
#ifdef PUSHED_FIRST
     published = version;
     atomic { replaceFence() };
#else
     atomic { replaceFence(); published = version }; /* MULTI, SET, PUBLISH, EXEC */
     if
     :: true
     :: atomic { replaceFence() } /* The acknowledgement was lost: once more. */
     fi;
#endif
#endif
     acknowledged = version
  :: else -> break
  od
}

proctype Faults() {
  do
  :: atomic { faults < FAULTS ->
       copy.fence = now.fence;
       copy.isStored = now.isStored;
       copy.valueFence = now.valueFence;
       copy.valueEra = now.valueEra;
       copy.valueVersion = now.valueVersion
     };
     atomic {
       faults++;
       eras++;
       if
       :: runId = eras
       :: runId = 1 /* Back to the first process, which has copied the data of the other one meanwhile. */
       fi;
       now.fence = copy.fence;
       now.isStored = copy.isStored;
       now.valueFence = copy.valueFence;
       now.valueEra = copy.valueEra;
       now.valueVersion = copy.valueVersion;
       copy.fence = 0; copy.isStored = false; copy.valueFence = 0; copy.valueEra = 0; copy.valueVersion = 0
     }
  :: atomic { faults < FAULTS && now.fence != ABSENT -> faults++; now.fence = ABSENT }
  :: break
  od
}

/* A fill of another instance, as late as may be. */
proctype Other() {
  byte usedFence, usedEra, got;
  atomic { readFence() };
  got = version;
  atomic { writeValue() }
}

/* The instance whose requests are checked. */
proctype Instance() {
  byte usedFence, usedEra, got, stamp, begun, count;
  bool isKept; byte keptVersion, keptStamp;
  byte told; /* The floor: the newest version that the endpoint has told. */
  do
  :: count < REQUESTS ->
     atomic {
       count++;
       begun = acknowledged;
       stamp = handled;
       if
       :: isKept && keptStamp == handled -> /* A hit. */
          assert(keptVersion >= begun || keptVersion >= handled);
          assert(keptVersion >= told);
          goto served
       :: true /* No entry, no lease, or a denial whose time is over. */
       fi
     };
     atomic {
       readFence();
       if
       :: OPENS && ABOVE_FLOOR -> got = now.valueVersion; goto answered
       :: true
       fi
     };
     atomic { got = version; told = got };
     if
     :: atomic { writeValue() }
     :: true
     fi;
answered:
     atomic {
       assert(got >= begun);
       assert(got >= told);
       if
#ifdef UNSTAMPED_FILL
       :: true ->
#else
       :: stamp == handled ->
#endif
          isKept = true; keptVersion = got; keptStamp = handled
       :: else
       fi
     };
served:
     atomic { usedFence = 0; usedEra = 0; got = 0; stamp = 0; begun = 0 }
  :: else -> break
  od
}

/* Pushes arrive in their order, at any time. */
proctype Pushes() {
  do
  :: atomic { handled < published -> handled++ }
  :: handled == CHANGES -> break
  od
}

init {
  atomic { run Revoker(); run Faults(); run Other(); run Instance(); run Pushes() }
}
