"""The life of the simulated VBR estate: what a night leaves behind, what retention takes away, what goes wrong."""

from itertools import pairwise

import pytest

from exporter.simulator.clock import Clock
from exporter.simulator.vbr import demo_vbr_estate
from exporter.simulator.vbr_estate import VbrEstate
from exporter.simulator.vbr_records import DAY, NO_ID

NOON = 1_780_000_000.0
MIB = 1024**2
CYCLE = 7


def small(seed=1, at=NOON, **options):
    return VbrEstate("small", Clock(at, rate=0), seed, **options)


@pytest.fixture(scope="module")
def still():
    """For tests that only look."""
    return small()


def nights(estate, count):
    estate.clock.advance(count * DAY)
    estate.live()


def job(estate, name):
    return next(one for one in estate.jobs.values() if one.name == name)


def repository(estate, name):
    return next(one for one in estate.repositories.values() if one.name == name)


def files(estate, name):
    return estate.backup_of(job(estate, name)).files


def free_ratio(estate, name):
    sizes = estate.sizes(repository(estate, name))
    return sizes.free / sizes.capacity


def picture(estate):
    return (
        [(session.id, session.result, session.transferred) for session in estate.sessions],
        [(file.id, file.size) for backup in estate.backups.values() for file in backup.files],
        [estate.sizes(one) for one in estate.repositories.values()],
    )


def retention_sessions(estate, name, days):
    since = estate.clock.now() - days * DAY
    return [one for one in estate.sessions if one.name == f"Retention ({name})" and one.started > since]


def test_the_same_seed_lives_the_same_life_however_often_one_looks():
    seldom, often = small(), small()
    nights(seldom, 9)
    for _ in range(9 * 24):
        nights(often, 1 / 24)
    assert picture(seldom) == picture(often)
    assert picture(seldom) != picture(small(seed=2))


def test_a_story_of_one_job_changes_no_number_of_another():
    calm, told = small(), small()
    told.tell("dedup_off", "VM Linux Web")
    for estate in (calm, told):
        nights(estate, 5)
    assert files(calm, "VM SAP") == files(told, "VM SAP")
    assert files(calm, "VM Linux Web") != files(told, "VM Linux Web")


def test_percentages_are_what_is_left_and_fit_the_sizes(still):
    written = [file for backup in still.backups.values() for file in backup.files if file.data > MIB]
    shares = [file.data * file.dedup / 100 * file.compress / 100 / file.size for file in written]
    assert len(written) > 300
    assert 0.95 < min(shares) <= max(shares) <= 1.0


def test_every_week_has_a_full_and_every_night_a_file():
    web = files(small(failure_rate=0.0), "VM Linux Web")
    gaps = {round((late.created - early.created) / DAY) for early, late in pairwise(web)}
    assert gaps == {1}
    fulls = [file for file in web if file.is_full]
    assert all(full.size > 5 * max(one.size for one in web if not one.is_full) for full in fulls)
    assert web[0].is_full
    assert len(fulls) == -(-len(web) // CYCLE)


@pytest.mark.parametrize("name", ["VM Linux Web", "VM Windows AD", "VM Exchange", "VM VDI"])
def test_as_many_points_are_kept_as_configured_plus_at_most_a_cycle(name):
    estate = small(failure_rate=0.0)
    for _ in range(8):
        quantity = job(estate, name).retention.quantity
        assert quantity <= len(files(estate, name)) <= quantity + CYCLE
        nights(estate, 1)


def test_days_are_kept_as_configured_plus_at_most_a_cycle_and_gfs_fulls_longer():
    estate = small(failure_rate=0.0)
    kept = job(estate, "VM Linux DB").retention
    ages = [(file.gfs, (estate.clock.now() - file.created) / DAY) for file in files(estate, "VM Linux DB")]
    plain = [age for gfs, age in ages if not gfs]
    weekly = [age for gfs, age in ages if "Weekly" in gfs]
    assert kept.quantity - 1 <= max(plain) <= kept.quantity + CYCLE
    assert len(weekly) == kept.weeks
    assert max(weekly) > max(plain) + 2 * CYCLE


def test_a_full_that_only_gfs_keeps_stands_alone(still):
    archived = [file for file in files(still, "VM Windows Files") if file.archived]
    assert archived
    assert all(file.is_full and file.gfs for file in archived)
    assert any("Monthly" in file.gfs for file in archived)


def test_repositories_fill_and_are_freed():
    estate = small()
    course = []
    for _ in range(28):
        course.append(free_ratio(estate, "Hardened-01"))
        nights(estate, 1)
    steps = [late - early for early, late in pairwise(course)]
    assert min(steps) < -0.005
    assert max(steps) > 0.02
    assert 0.2 < min(course) < max(course) < 0.5


def test_the_books_agree_with_the_files():
    estate = small()
    nights(estate, 20)
    for one in estate.repositories.values():
        held = [file for backup in estate.backups.values() for file in backup.files if file.repository == one.id]
        if one.has_capacity:
            assert estate.sizes(one).used == sum(file.size for file in held)
            assert estate.sizes(one).free == one.capacity - one.other - sum(file.physical for file in held)


def test_failing_job_leaves_no_file_until_it_ends():
    estate = small(failure_rate=0.0)
    estate.tell("job_failing", "VM SAP")
    before = files(estate, "VM SAP")[-1].created
    nights(estate, 3)
    assert [run.result for run in job(estate, "VM SAP").runs[-3:]] == ["Failed"] * 3
    assert files(estate, "VM SAP")[-1].created == before
    estate.end("job_failing", "VM SAP")
    nights(estate, 1)
    assert job(estate, "VM SAP").runs[-1].result == "Success"


def test_without_retention_old_points_stay_and_the_repository_fills():
    estate, calm = small(failure_rate=0.0), small(failure_rate=0.0)
    estate.tell("retention_failing", "Hardened-01")
    for one in (estate, calm):
        nights(one, 10)
    assert {session.result for session in retention_sessions(estate, "Hardened-01", 10)} == {"Failed"}
    assert {session.result for session in retention_sessions(estate, "SOBR-Prod", 10)} == {"Success"}
    assert len(files(estate, "VM Linux Web")) >= job(estate, "VM Linux Web").retention.quantity + 10
    assert free_ratio(estate, "Hardened-01") < free_ratio(calm, "Hardened-01") - 0.1
    estate.end("retention_failing")
    nights(estate, 1)
    assert free_ratio(estate, "Hardened-01") > 0.25


def test_a_repository_that_is_never_freed_runs_full_and_its_jobs_fail():
    estate = small(failure_rate=0.0)
    estate.tell("retention_failing", "Hardened-01")
    nights(estate, 60)
    assert free_ratio(estate, "Hardened-01") < 0.1
    assert "not enough space" in job(estate, "VM Linux DB").runs[-1].message


def test_dedup_off_leaves_everything():
    estate = small(failure_rate=0.0)
    estate.tell("dedup_off", "VM VDI")
    nights(estate, 2)
    *earlier, last = files(estate, "VM VDI")
    assert last.dedup == 100
    assert max(file.dedup for file in earlier[:-2]) < 80
    assert last.size == pytest.approx(last.data * last.compress / 100, rel=0.04)


def test_an_offline_repository_keeps_its_old_sizes_until_it_is_back():
    estate = small(failure_rate=0.0)
    place = repository(estate, "Répertoire-A")
    estate.tell("repository_offline", "Répertoire-A")
    seen = estate.sizes(place)
    nights(estate, 2)
    assert not estate.is_online(place)
    assert estate.sizes(place) == seen
    assert "Failed to connect" in job(estate, "VM Windows AD").runs[-1].message
    estate.end("repository_offline", "Répertoire-A")
    nights(estate, 2)
    assert estate.is_online(place)
    assert estate.sizes(place) != seen
    assert job(estate, "VM Windows AD").runs[-1].result == "Success"


def test_a_full_repository_says_so_at_once_and_its_jobs_fail():
    estate = small(failure_rate=0.0)
    estate.tell("repository_full", "DataDomain-01")
    assert 0 < free_ratio(estate, "DataDomain-01") < 0.01
    nights(estate, 1)
    assert "not enough space" in job(estate, "Hyper-V Test").runs[-1].message
    estate.end("repository_full", "DataDomain-01")
    assert free_ratio(estate, "DataDomain-01") > 0.3


def test_a_story_of_a_scale_out_repository_is_one_of_its_extents():
    estate = small(days=13)
    [scale_out] = estate.scale_outs.values()
    estate.tell("repository_offline", scale_out.id)
    assert not any(map(estate.is_online, estate.extents(scale_out)))
    estate.end("repository_offline", scale_out.id)
    assert all(map(estate.is_online, estate.extents(scale_out)))


def test_the_job_of_a_story_may_be_given_by_id_or_left_out():
    estate = small(told=(), days=2)
    estate.tell("job_failing", job(estate, "VM VDI").id)
    estate.tell("job_failing")
    assert [story.object for story in estate.told()] == ["VM VDI", "VM Linux Web"]
    estate.end("job_failing")
    assert estate.told() == ()


@pytest.mark.parametrize(
    ("story", "name"), [("flood", None), ("job_failing", "Hardened-01"), ("repository_full", "VM SAP")]
)
def test_unknown_stories_and_objects_are_refused(still, story, name):
    with pytest.raises(ValueError, match=r"story|job|repository"):
        still.tell(story, name)


def test_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match="no estate of size 'huge'"):
        VbrEstate("huge", Clock(NOON, rate=0))


def test_the_small_estate_has_what_readers_stumble_over(still):
    estate = still
    by_name = {one.name: one for one in estate.repositories.values()}
    [scale_out] = estate.scale_outs.values()
    assert scale_out.name in by_name
    assert "Répertoire-A" in by_name
    assert estate.sizes(by_name["S3-Offload"]).capacity == 0 < estate.sizes(by_name["S3-Offload"]).used
    assert estate.sizes(by_name["Hardened-01"]).used > estate.sizes(by_name["Hardened-01"]).capacity
    assert not estate.is_online(by_name["Branch-NAS"])
    assert estate.sizes(by_name["Branch-NAS"]).free > 0
    assert job(estate, "New Project").runs == []
    assert job(estate, "Old Branch Office").disabled
    assert NOON - job(estate, "Old Branch Office").runs[-1].started > 34 * DAY
    [orphan] = [backup for backup in estate.backups.values() if backup.job == NO_ID]
    assert len(orphan.files) == 4
    tiny = files(estate, "Cluster Witness")
    assert any(file.dedup == file.compress == file.data == 0 < file.size for file in tiny)
    assert any(file.compress > 100 for file in tiny)


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_one_job_runs_at_any_time(hour):
    estate = small(at=NOON + hour * 3600, days=2)
    assert job(estate, "Datawarehouse").runs[-1].ended is None


def test_local_time_rules_the_nights_also_across_the_change_to_summer_time():
    estate = small(at=1_774_872_000.0, failure_rate=0.0)  # 2026-03-30 12:00 UTC, a day after the change
    stamps = [file.name.rsplit("T", 1)[1] for file in files(estate, "VM Linux Web")]
    assert {stamp[:4] for stamp in stamps} == {"2200"}


def test_the_big_estate_has_300_jobs_on_40_repositories():
    estate = VbrEstate("documents", Clock(NOON, rate=0), days=10)
    assert len(estate.jobs) == 300
    assert len(estate.repositories) + len(estate.scale_outs) == 40
    assert sum(bool(one.runs) for one in estate.jobs.values()) == 298
    assert len({one.name for one in estate.jobs.values()}) == 300


def test_the_demo_has_one_repository_nearly_full_and_one_failing_job():
    estate = demo_vbr_estate(Clock(NOON, rate=0))
    ratios = {one.name: free_ratio(estate, one.name) for one in estate.repositories.values() if one.has_capacity}
    assert ratios.pop("Répertoire-A") == pytest.approx(0.09, abs=0.002)
    assert min(ratios.values()) > 0.2
    assert all(map(estate.is_online, estate.repositories.values()))
    for _ in range(3):
        ended = {one.name: [run.result for run in one.runs if run.ended] for one in estate.jobs.values() if one.runs}
        assert [name for name, results in ended.items() if results[-1] != "Success"] == ["VM Exchange"]
        assert ended["VM Exchange"][-4:] == ["Failed"] * 4
        nights(estate, 10)
    assert 0.03 < free_ratio(estate, "Répertoire-A") < 0.2
