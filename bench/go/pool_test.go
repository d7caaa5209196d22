// SPDX-License-Identifier: MIT
// The scenarios of bench/scenarios, with the same names, on Go's own sync.Pool.
//
// One thread here is one goroutine, and as many threads run Go code; but in oversubscribed, where
// Go's scheduler, not the kernel's, divides the CPUs.
// Goroutines are cheaper than threads, so there is no thread_churn; a cycle of Go's pools is a garbage
// collection, which does more, so there is no pool_rotate.
//
// Each benchmark reports ns/pair (wall time over gets with their puts, of all goroutines) and what
// happened meanwhile: pairs, constructed, found, moved; and core_ns, as in bench/core_probe.hpp, by a loop
// of its own, which compares with itself only.
package bench

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type object struct{ words [8]uint64 }

// How many objects pools made; hits leave it alone.
var constructed uint64

func newPool() *sync.Pool {
	return &sync.Pool{New: func() any {
		atomic.AddUint64(&constructed, 1)
		return new(object)
	}}
}

// Stands for the use of an item: it escapes, so the compiler must have it in memory.
var sink [1024]struct {
	item *object
	_    [56]byte
}

// Runs a benchmark once for each number of threads, with as many threads that run Go code.
func scaling(b *testing.B, threads []int, run func(b *testing.B)) {
	for _, each := range threads {
		b.Run(fmt.Sprintf("threads:%d", each), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(each))
			run(b)
		})
	}
}

// 1, 2, .. up to twice the number of CPUs.
func upToTwiceTheCPUs() (threads []int) {
	for each := 1; each < 2*runtime.NumCPU(); each *= 2 {
		threads = append(threads, each)
	}
	return append(threads, 2*runtime.NumCPU())
}

// Stores, loads and additions of which none waits for another; see bench/core_probe.hpp.
func coreProbe() float64 {
	const tries, turns = 10, 2000
	words := new([8]uint64)
	least := math.Inf(1)
	for i := 0; i < tries; i++ {
		var a, b, c uint64
		begin := time.Now()
		for turn := uint64(0); turn < turns; turn++ {
			words[0] = turn
			words[1] = turn
			words[2] = turn
			a += words[4]
			b += words[5]
			c += words[6] + turn
		}
		least = math.Min(least, float64(time.Since(begin).Nanoseconds())/turns)
		words[3] = a + b + c
	}
	probed.Store(words)
	return least
}

// So that the compiler leaves the probe's stores in.
var probed atomic.Value

// Runs a worker per goroutine: each warms up, and when all have, each does b.N / goroutines
// iterations. A worker returns the pairs that it did.
func measure(b *testing.B, goroutines int, worker func(me int) func(iterations int) int) {
	var warm, finished, probing sync.WaitGroup
	warm.Add(goroutines)
	finished.Add(goroutines)
	probing.Add(goroutines)
	start := make(chan struct{})
	iterations := (b.N + goroutines - 1) / goroutines
	pairs := make([]int, goroutines)
	cores := make([]float64, goroutines)
	for i := 0; i < goroutines; i++ {
		go func(me int) {
			loop := worker(me)
			core := coreProbe()
			warm.Done()
			<-start
			pairs[me] = loop(iterations)
			finished.Done()
			cores[me] = math.Max(core, coreProbe())
			probing.Done()
		}(i)
	}
	warm.Wait()
	before := atomic.LoadUint64(&constructed)
	b.ResetTimer()
	begin := time.Now()
	close(start)
	finished.Wait()
	wall := time.Since(begin)
	b.StopTimer()
	probing.Wait()
	total := 0
	core := 0.0
	for i, each := range pairs {
		total += each
		core += cores[i] / float64(goroutines)
	}
	b.ReportMetric(core, "core_ns")
	b.ReportMetric(float64(wall.Nanoseconds())/float64(total), "ns/pair")
	b.ReportMetric(float64(total), "pairs")
	b.ReportMetric(float64(atomic.LoadUint64(&constructed)-before), "constructed")
}

func hits(b *testing.B, goroutines int) {
	pool := newPool()
	measure(b, goroutines, func(me int) func(int) int {
		pool.Put(new(object))
		return func(iterations int) int {
			for i := 0; i < iterations; i++ {
				item := pool.Get().(*object)
				sink[me].item = item
				pool.Put(item)
			}
			return iterations
		}
	})
}

func Benchmark_pool(b *testing.B) {
	scaling(b, upToTwiceTheCPUs(), func(b *testing.B) { hits(b, runtime.GOMAXPROCS(0)) })
}

func Benchmark_oversubscribed(b *testing.B) {
	for _, goroutines := range []int{2, 64, 256} {
		b.Run(fmt.Sprintf("threads:%d", goroutines), func(b *testing.B) { crowd(b, goroutines) })
	}
}

// All goroutines run for the same time, however small b.N is, so that all contend to the end.
func crowd(b *testing.B, goroutines int) {
	const duration, pairsPerLook = 250 * time.Millisecond, 64
	pool := newPool()
	var first sync.Once
	var end time.Time
	measure(b, goroutines, func(me int) func(int) int {
		pool.Put(pool.Get())
		return func(int) (pairs int) {
			first.Do(func() { end = time.Now().Add(duration) })
			for ; time.Now().Before(end); pairs += pairsPerLook {
				for i := 0; i < pairsPerLook; i++ {
					item := pool.Get().(*object)
					sink[me].item = item
					pool.Put(item)
				}
			}
			return pairs
		}
	})
}

func batches(b *testing.B, count int, putFirst bool) {
	pool := newPool()
	measure(b, runtime.GOMAXPROCS(0), func(me int) func(int) int {
		mine := make([]*object, count)
		get := func() {
			for i := range mine {
				mine[i] = pool.Get().(*object)
				sink[me].item = mine[i]
			}
		}
		put := func() {
			for i := range mine {
				pool.Put(mine[i])
			}
		}
		for i := range mine {
			mine[i] = new(object)
		}
		first, second := put, get
		if !putFirst {
			put()
			first, second = get, put
		}
		return func(iterations int) int {
			for i := 0; i < iterations; i++ {
				first()
				second()
			}
			return iterations * count
		}
	})
}

func Benchmark_pool_overflow(b *testing.B) {
	scaling(b, upToTwiceTheCPUs(), func(b *testing.B) { batches(b, 100, true) })
}

func Benchmark_pool_overflow_1000(b *testing.B) {
	scaling(b, []int{1, 2}, func(b *testing.B) { batches(b, 1000, true) })
}

func Benchmark_burst_16(b *testing.B) {
	scaling(b, upToTwiceTheCPUs(), func(b *testing.B) { batches(b, 16, false) })
}

func Benchmark_pool_starvation(b *testing.B) { scaling(b, []int{1, 2}, starvation) }

func starvation(b *testing.B) {
	const gets, mostPuts = 100, 67
	pool := new(sync.Pool) // no New: a get may find nothing
	var found, moved uint64
	measure(b, runtime.GOMAXPROCS(0), func(me int) func(int) int {
		signature := uint64(me)
		mine := make([]*object, mostPuts, 1000)
		for i := range mine {
			mine[i] = new(object)
			mine[i].words[0] = signature
		}
		return func(iterations int) int {
			var calls int
			var myFound, myMoved uint64
			for i := 0; i < iterations; i++ {
				puts := len(mine)
				if puts > mostPuts {
					puts = mostPuts
				}
				for j := 0; j < puts; j++ {
					last := len(mine) - 1
					pool.Put(mine[last])
					mine = mine[:last]
				}
				for j := 0; j < gets; j++ {
					got := pool.Get()
					if got == nil {
						continue
					}
					item := got.(*object)
					myFound++
					if item.words[0] != signature {
						myMoved++
					}
					item.words[0] = signature
					mine = append(mine, item)
				}
				calls += puts + gets
			}
			atomic.AddUint64(&found, myFound)
			atomic.AddUint64(&moved, myMoved)
			return calls / 2
		}
	})
	if found == 0 {
		b.Fatal("no get found an item")
	}
	b.ReportMetric(float64(found), "found")
	b.ReportMetric(float64(moved), "moved")
}

// A bounded ring with one producer and one consumer, as in scenarios/producer_consumer.hpp: Go's
// atomics are all sequentially consistent.
type ring struct {
	tail     uint64
	headSeen uint64
	_        [48]byte
	head     uint64
	tailSeen uint64
	_        [48]byte
	places   [64]*object
}

const looks = 100

func (r *ring) push(item *object) {
	at := r.tail
	for looked := 0; at-r.headSeen == uint64(len(r.places)); looked++ {
		if looked > looks {
			runtime.Gosched()
		}
		r.headSeen = atomic.LoadUint64(&r.head)
	}
	r.places[at%uint64(len(r.places))] = item
	atomic.StoreUint64(&r.tail, at+1)
}

func (r *ring) pop() *object {
	at := r.head
	for looked := 0; at == r.tailSeen; looked++ {
		if looked > looks {
			runtime.Gosched()
		}
		r.tailSeen = atomic.LoadUint64(&r.tail)
	}
	item := r.places[at%uint64(len(r.places))]
	atomic.StoreUint64(&r.head, at+1)
	return item
}

func Benchmark_producer_consumer(b *testing.B) { scaling(b, []int{2}, handOver) }

func handOver(b *testing.B) {
	pool := newPool()
	between := new(ring)
	measure(b, 2, func(me int) func(int) int {
		if me == 0 {
			return func(iterations int) int {
				for i := 1; i <= iterations; i++ {
					item := pool.Get().(*object)
					item.words[0] = uint64(i)
					between.push(item)
				}
				return iterations
			}
		}
		return func(iterations int) int {
			var sum uint64
			for i := 0; i < iterations; i++ {
				item := between.pop()
				sum += item.words[0]
				pool.Put(item)
			}
			if handed := uint64(iterations); sum != handed*(handed+1)/2 {
				b.Error("an object was lost or doubled")
			}
			return 0
		}
	})
}

func Benchmark_first_use(b *testing.B) { scaling(b, []int{1}, firstUse) }

func firstUse(b *testing.B) {
	const pools = 1000
	measure(b, 1, func(me int) func(int) int {
		return func(iterations int) int {
			for i := 0; i < iterations; i++ {
				for j := 0; j < pools; j++ {
					pool := newPool()
					item := pool.Get().(*object)
					sink[me].item = item
					pool.Put(item)
				}
			}
			return iterations * pools
		}
	})
}

func Benchmark_pool_expensive_new(b *testing.B) { scaling(b, []int{1, 2}, expensiveNew) }

func expensiveNew(b *testing.B) {
	const batch, iterationsPerCycle = 100, 16
	pool := &sync.Pool{New: func() any {
		atomic.AddUint64(&constructed, 1)
		time.Sleep(time.Millisecond)
		return new(object)
	}}
	measure(b, runtime.GOMAXPROCS(0), func(me int) func(int) int {
		mine := make([]*object, batch)
		for i := range mine {
			mine[i] = new(object)
			pool.Put(mine[i])
		}
		return func(iterations int) int {
			for i := 1; i <= iterations; i++ {
				for j := range mine {
					mine[j] = pool.Get().(*object)
					sink[me].item = mine[j]
				}
				for j := range mine {
					pool.Put(mine[j])
				}
				if me == 0 && i%iterationsPerCycle == 0 {
					runtime.GC()
				}
			}
			return iterations * batch
		}
	})
}
