// poolproof: a concurrent object pool after Go's sync.Pool.
//
//     poolproof::object_pool<parser> parsers;               // one pool, any number of threads
//     auto p = parsers.borrow();                            // a pooled parser, or a new one
//     p->parse(text);                                       // it goes back when p ends
//
// A pool keeps objects that are expensive to make and that any thread may use next. It keeps them
// per CPU, lets threads steal from other CPUs' shares, and destroys what was not used for two
// cycles.
//
// Guarantees
//   - put(x) happens before the get that returns x; so does the factory's return of x.
//   - An item is handed out at most once per put. A get may miss although the pool holds an item
//   that
//     another thread has in its hands at that moment.
//   - put destroys an item only in a cycle, or if memory for its place is refused.
//   - Member functions may be called by any number of threads at once, and from an item's
//   destructor and
//     from the factory; not from a signal handler, and not concurrently with the pool's destructor.
//     Handles may be returned concurrently with it and after it. The pool holds no lock when it
//     runs the factory or a destructor.
//
// Stands on: pool_core, registry, sync.
#pragma once

#include <poolproof/pool_core.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/sync.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace poolproof {

struct pool_options {
  // How often the pool begins a cycle by itself; no value: never. Cycles are done by the threads
  // that call the pool: one that nobody calls keeps what it holds until rotate or rotate_all.
  std::optional<std::chrono::nanoseconds> cycle_interval = std::chrono::seconds(60);
};

// What makes a pool's items: any callable, type-erased. One without state costs no memory, and can
// be constant-initialised; one with state is kept on the heap.
template <class Item>
class item_factory {
 public:
  template <class Factory>
  constexpr explicit item_factory(Factory factory) {
    if constexpr (std::is_empty_v<Factory> && std::is_default_constructible_v<Factory>) {
      make_ = [](void*) -> Item { return Factory{}(); };
    } else {
      if constexpr (requires { factory == nullptr; }) {
        if (factory == nullptr) {
          reject_argument(
              "object_pool: argument 'factory' is null; pass a callable that returns "
              "std::unique_ptr<T, Deleter>");
        }
      }
      make_ = [](void* state) -> Item { return (*static_cast<Factory*>(state))(); };
      delete_state_ = [](void* state) { delete static_cast<Factory*>(state); };
      state_ = new Factory(std::move(factory));
    }
  }

  constexpr ~item_factory() {
    if (delete_state_ != nullptr) delete_state_(state_);
  }

  item_factory(const item_factory&) = delete;
  item_factory& operator=(const item_factory&) = delete;

  Item operator()() const { return make_(state_); }

 private:
  Item (*make_)(void*) = nullptr;
  void (*delete_state_)(void*) = nullptr;
  void* state_ = nullptr;
};

template <class T, class Deleter = std::default_delete<T>, sync_policy Sync = std_sync>
class object_pool {
 public:
  using item = std::unique_ptr<T, Deleter>;
  class handle;

  // A pool whose misses construct T{}.
  constexpr object_pool() requires(
      std::is_same_v<Deleter, std::default_delete<T>>&& std::is_default_constructible_v<T>)
      : object_pool([] { return item(new T{}); }) {}

  // A pool whose misses call `factory`: any callable that returns std::unique_ptr<T, Deleter>, also
  // a null one. It is called by the thread that misses, by several at once; what it throws passes
  // through get and leaves the pool as it was. With a factory without state this is a constant
  // expression. Throws std::invalid_argument if the factory is null, or the cycle interval not
  // positive.
  template <class Factory>
  requires std::is_invocable_r_v<std::unique_ptr<T, Deleter>,
                                 Factory&> constexpr explicit object_pool(Factory factory,
                                                                          pool_options options = {})
      : factory_(std::move(factory)), cycle_interval_(checked(options).cycle_interval) {}

  // Destroys the items. Handles may still be out, and may be returned at any time: their items are
  // then destroyed when they come back, and the pool's inner part with the last of them. Waits for
  // nobody: a rotate_all that is at work in this pool destroys what it has taken out.
  ~object_pool() {
    // [close.core] relaxed: exclusive; the user orders every call before the destruction.
    if (core* const made = core_.load(std::memory_order_relaxed)) made->close();
  }

  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;

  // Go's Get: an item of the pool, else what the factory makes; null only if the factory returns
  // null.
  item get() {
    if (item pooled = try_get()) [[likely]]
      return pooled;
    return construct();
  }

  // Go's Get without New: an item of the pool, else null. Lock-free but for the allocator at first
  // use, and for the destructors of a cycle, of which one call runs a bounded number.
  item try_get() noexcept {
    core* const inner = find_core();
    return item(inner != nullptr ? inner->get() : nullptr);
  }

  // Go's Put: gives an item to the pool, from whatever source. Null is ignored. Progress as
  // try_get.
  void put(item given) noexcept {
    if (given == nullptr) return;
    if (core* const inner = find_core()) [[likely]]
      inner->put(given.release());
  }

  // As get, in a handle that puts the item back when it is destroyed.
  handle borrow() {
    item pooled = get();
    core* const inner = find_core();
    return handle(inner, std::move(pooled));
  }

  // Counts since the pool's first use. Cheap on the pool's side: a hit counts nothing.
  pool_stats stats() const {
    // [stats.core] acquire: pairs with [first_use.publish]; so that the core is initialised.
    core* const inner = core_.load(std::memory_order_acquire);
    return inner != nullptr ? inner->stats() : pool_stats{.pin = Sync::pin()};
  }

  // One cycle: what was put since the last cycle becomes the victim, and the victims before are
  // destroyed, by this thread.
  //
  // An item put before a cycle began, and not touched since, is destroyed when the second later
  // rotate returns, unless a thread is stopped inside a call that has the item's shard, or the item
  // itself, in its hands: such a shard is left, after a few yields, to whoever comes to it next.
  // With concurrent rotates each counts as a cycle; when one returns, the cycles that began before
  // it are done, but for such shards, and for destructors that another rotate is just running.
  // Lock-free but for destructors.
  void rotate() {
    // [rotate.core] acquire: pairs with [first_use.publish]; so that the core is initialised.
    if (core* const inner = core_.load(std::memory_order_acquire)) inner->rotate();
  }

 private:
  using core = pool_core<T, Deleter, Sync>;

  static_assert(
      std::is_empty_v<Deleter> && std::is_default_constructible_v<Deleter>,
      "object_pool: Deleter must be empty and default-constructible, since the pool keeps bare "
      "pointers. Instead of a function pointer write: struct deleter { void operator()(T* p) "
      "const { c_free(p); } };");
  static_assert(
      std::is_same_v<typename std::unique_ptr<T, Deleter>::pointer, T*>,
      "object_pool: std::unique_ptr<T, Deleter>::pointer must be T*: remove the member type "
      "'pointer' from Deleter");

  static constexpr pool_options checked(pool_options options) {
    if (options.cycle_interval && *options.cycle_interval <= std::chrono::nanoseconds::zero()) {
      reject_argument(
          "object_pool: option 'cycle_interval' must be positive; for a pool without "
          "automatic cycles pass std::nullopt");
    }
    return options;
  }

  [[gnu::noinline]] item construct() {
    item made = factory_();
    // [construct.core] acquire: pairs with [first_use.publish]; so that the core is initialised.
    core* const inner = core_.load(std::memory_order_acquire);
    if (made != nullptr && inner != nullptr) inner->count_construction();
    return made;
  }

  // The core, which the first call makes; null if memory for it is refused.
  core* find_core() noexcept {
    // [find_core.read] acquire: pairs with [first_use.publish]; so that the core is initialised.
    core* const inner = core_.load(std::memory_order_acquire);
    return inner != nullptr ? inner : first_use();
  }

  // Several threads may make a core at once; one of them is published, the others are closed again.
  [[gnu::noinline]] core* first_use() noexcept {
    core* const made = core::create(cycle_interval_);
    if (made == nullptr) return nullptr;
    core* published = nullptr;
    // [first_use.publish] release: pairs with [find_core.read], [stats.core], [rotate.core],
    // [construct.core], [first_use.publish.fail]; so that whoever finds the core finds it
    // initialised.
    // [first_use.publish.fail] acquire: pairs with [first_use.publish]; as [find_core.read].
    if (core_.compare_exchange_strong(published, made, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return made;
    }
    made->close();
    return published;
  }

  item_factory<item> factory_;
  std::optional<std::chrono::nanoseconds> cycle_interval_;
  typename Sync::template atomic<core*> core_{nullptr};
};

// An item on loan. It belongs to one thread at a time, may be moved and destroyed on another
// thread, and may outlive the pool: then its item is destroyed instead of returned.
template <class T, class Deleter, sync_policy Sync>
class object_pool<T, Deleter, Sync>::handle {
 public:
  handle() noexcept = default;
  ~handle() { give_back(); }

  handle(handle&& other) noexcept
      : inner_(other.inner_), counted_(other.counted_), item_(std::move(other.item_)) {}

  handle& operator=(handle&& other) noexcept {
    if (this == &other) return *this;
    give_back();
    inner_ = other.inner_;
    counted_ = other.counted_;
    item_ = std::move(other.item_);
    return *this;
  }

  // The item; null in an empty handle: default-made, moved from, detached, or the factory gave
  // null.
  T* get() const noexcept { return item_.get(); }
  std::add_lvalue_reference_t<T> operator*() const noexcept { return *item_; }
  T* operator->() const noexcept { return item_.get(); }
  explicit operator bool() const noexcept { return item_ != nullptr; }

  // Takes the item out of the pool for good. The handle is empty afterwards.
  item detach() noexcept {
    if (item_ != nullptr && inner_ != nullptr) inner_->end_borrow(*counted_);
    return std::move(item_);
  }

 private:
  friend class object_pool;

  handle(core* inner, item pooled) noexcept : inner_(inner), item_(std::move(pooled)) {
    if (item_ != nullptr && inner_ != nullptr) counted_ = &inner_->count_borrow();
  }

  void give_back() noexcept {
    if (item_ != nullptr && inner_ != nullptr) inner_->end_borrow(*counted_, item_.release());
    item_.reset();
  }

  core* inner_ = nullptr;  // null if there was no memory for one: the item is then just destroyed
  typename core::shard_type* counted_ = nullptr;
  item item_;
};

// One cycle of every pool in the process that is in use (Go's poolCleanup): see
// object_pool::rotate. Runs the destructors of all pools' items, by this thread. A pool that is
// being destroyed is left out. Takes the registry's mutex for a moment between two pools, and holds
// none while it works in one.
template <sync_policy Sync = std_sync>
void rotate_all() {
  pool_registry<Sync>::instance().rotate_all();
}

}  // namespace poolproof
