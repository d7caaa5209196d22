# SPDX-License-Identifier: MIT
"""What each family of clients is called where people read: the documents, and the figure of what is proved."""

WORDS = {
    "pool_dequeue": "ring",
    "pool_dequeue_batches": "ring, two items at once",
    "object_pool_one_cpu": "pool, one CPU, portable pin",
    "object_pool_two_cpus": "pool, two CPUs, portable pin",
    "object_pool_sections_one_cpu": "pool, one CPU, sections",
    "object_pool_sections_two_cpus": "pool, two CPUs, sections",
    "upkept_pool_one_cpu": "pool with hooks and bounds, one CPU, portable pin",
    "upkept_pool_two_cpus": "pool with hooks and bounds, two CPUs, portable pin",
    "upkept_pool_sections": "pool with hooks and bounds, two CPUs, sections",
    "upkept_pool_idle": "pool that keeps some idle, two CPUs, portable pin",
}
