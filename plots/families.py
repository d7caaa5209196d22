# SPDX-License-Identifier: MIT
"""What each family of clients is called where people read: the documents, and the figure of what is proved."""

WORDS = {
    "pool_dequeue": "ring",
    "pool_dequeue_batches": "ring, two items at once",
    "object_pool_one_cpu": "pool, one CPU, portable pin",
    "object_pool_two_cpus": "pool, two CPUs, portable pin",
    "object_pool_sections_one_cpu": "pool, one CPU, sections",
    "object_pool_sections_two_cpus": "pool, two CPUs, sections",
    "object_pool_small": "pool, small sizes, two CPUs, portable pin",
    "object_pool_sections_small": "pool, small sizes, two CPUs, sections",
    "wide_pool_three_cpus": "pool, three CPUs, portable pin",
    "wide_pool_beyond": "pool, three CPUs of which it is told two, portable pin",
    "wide_pool_sections_beyond": "pool, three CPUs of which it is told two, sections",
    "narrow_pool_one_cpu": "pool, batches of 1 and budgets of 2, one CPU, portable pin",
    "narrow_pool_two_cpus": "pool, batches of 1 and budgets of 2, two CPUs, portable pin",
    "narrow_pool_sections_one_cpu": "pool, batches of 1 and budgets of 2, one CPU, sections",
    "narrow_pool_sections_two_cpus": "pool, batches of 1 and budgets of 2, two CPUs, sections",
    "rare_pool_two_cpus": "pool, try_get_near or reserve is called, two CPUs, portable pin",
    "rare_pool_sections_one_cpu": "pool, try_get_near or reserve is called, one CPU, sections",
    "rare_pool_sections_two_cpus": "pool, try_get_near or reserve is called, two CPUs, sections",
    "upkept_pool_one_cpu": "pool with hooks and bounds, one CPU, portable pin",
    "upkept_pool_two_cpus": "pool with hooks and bounds, two CPUs, portable pin",
    "upkept_pool_sections": "pool with hooks and bounds, two CPUs, sections",
    "upkept_pool_idle": "pool that keeps some idle, two CPUs, portable pin",
}
