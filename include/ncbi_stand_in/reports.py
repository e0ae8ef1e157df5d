"""A record as a line of NCBI's reports: data report, annotation report, BioSample report.

The fields and their forms follow the contract notes, section 4.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from zlib import crc32

from ncbi_stand_in.genes import CodingRegion, Gene, Location, MaturePeptide
from ncbi_stand_in.isolates import Isolate
from ncbi_stand_in.places import Place, Submitter
from ncbi_stand_in.protobuf_json import encode, without_defaults
from ncbi_stand_in.records import Record
from ncbi_stand_in.taxa import Taxon

Fields = dict[str, object]

MAX_CODING_REGIONS = 20
"""Number of protein accessions reserved for each record."""


def data_report_line(record: Record) -> bytes:
    """The record's line of `data_report.jsonl` (message VirusAssembly).

    Lineages make up most of a line, so parts that many records share are encoded once and cached.
    """
    isolate, genes = record.isolate, record.genes
    biosample = isolate.biosample
    values = {
        "accession": encode(record.accession_version),
        "completeness": '"COMPLETE"' if isolate.is_complete else '"PARTIAL"',
        "length": str(record.length),
        "nucleotide": f'{{"sequenceHash":"{record.sequence_hash}"}}',
        "releaseDate": f'"{record.released}T00:00:00Z"',
        "sourceDatabase": '"RefSeq"' if isolate.is_refseq else '"GenBank"',
        "updateDate": f'"{record.update_date}T00:00:00Z"',
        "virus": _virus_json(isolate.taxon, isolate.virus_name, isolate.pango_lineage, _strain(isolate)),
    }
    if genes:
        gene_count, protein_count, mature_peptide_count = _counts(genes)
        values["isAnnotated"] = "true"
        values["geneCount"] = str(gene_count)
        values["proteinCount"] = str(protein_count)
        if mature_peptide_count:
            values["maturePeptideCount"] = str(mature_peptide_count)
    if biosample:
        values["biosample"] = encode(biosample.accession)
        values["bioprojects"] = encode([biosample.bioproject])
        # Some archives give the accession of the sample instead of a run (issue #516).
        run_or_sample = biosample.sra_sample if isolate.archive == "ena" else biosample.sra_run
        if biosample.sra_run:
            values["sraAccessions"] = encode([run_or_sample])
    if isolate.host:
        values["host"] = _host_json(isolate.host, isolate.host_name, isolate.host_breed)
    if isolate.place:
        values["location"] = _location_json(isolate.place)
    if isolate.submitter:
        values["submitter"] = _submitter_json(isolate.submitter)
    if isolate.name or isolate.source or isolate.collection_date:
        values["isolate"] = encode(
            without_defaults(
                {"name": isolate.name, "source": isolate.source, "collectionDate": isolate.collection_date}
            )
        )
    if isolate.baseline_surveillance:
        values["purposeOfSampling"] = '"PURPOSE_OF_SAMPLING_BASELINE_SURVEILLANCE"'
    if isolate.lab_host:
        values["labHost"] = encode(isolate.lab_host)
        values["isLabHost"] = "true"
    if isolate.is_vaccine_strain:
        values["isVaccineStrain"] = "true"
    # The genuine NC_045512.2 has this segment name although its genome is unsegmented.
    segment = record.segment.name or ("ANONYMOUS" if isolate.is_refseq else None)
    if segment:
        values["segment"] = encode(segment)
    members = ",".join([f'"{name}":{values[name]}' for name in sorted(values)])
    return f"{{{members}}}\n".encode()


def annotation_report_line(record: Record) -> bytes | None:
    """The record's line of `annotation_report.jsonl` (VirusAnnotationReport); None without annotation."""
    if not record.genes:
        return None
    features = AnnotatedFeatures(record)
    genes = [_gene_fields(features, gene) for gene in record.genes]
    fields = {"accession": record.accession_version, "genes": genes, "isolateName": record.isolate.name}
    return f"{encode(without_defaults(fields))}\n".encode()


def biosample_report_line(record: Record) -> bytes | None:
    """The line of `biosample_report.jsonl` (BioSampleDescriptor); None without a BioSample."""
    isolate, biosample = record.isolate, record.isolate.biosample
    if biosample is None:
        return None
    sample_name = isolate.name or f"sample {biosample.accession[-6:]}"
    collection_date = isolate.collection_date or "not collected"
    place = isolate.place.location if isolate.place else "missing"
    host = isolate.host.name if isolate.host else "not provided"
    source = isolate.source or "missing"
    collected_by = isolate.submitter.affiliation if isolate.submitter else "not provided"
    published = _timestamp(record.released)
    submitted = _timestamp(record.released - timedelta(days=3), "05:53:05.220")
    attributes = {
        "isolate": sample_name,
        "collected_by": collected_by,
        "collection_date": collection_date,
        "geo_loc_name": place,
        "host": host,
        "host_disease": isolate.virus.disease,
        "isolation_source": source,
        "lat_lon": "missing",
    }
    fields: Fields = {
        "accession": biosample.accession,
        "attributes": [{"name": name, "value": value} for name, value in attributes.items()],
        "bioprojects": [{"accession": biosample.bioproject}],
        "collectedBy": collected_by,
        "collectionDate": collection_date,
        "description": {
            "organism": {"organismName": isolate.taxon.name, "taxId": isolate.taxon.tax_id},
            "title": f"{isolate.taxon.name} sample {biosample.accession}",
        },
        "geoLocName": place,
        "host": host,
        "hostDisease": isolate.virus.disease,
        "isolate": sample_name,
        "isolationSource": source,
        "lastUpdated": _timestamp(record.updated, "17:04:34.453"),
        "latLon": "missing",
        "models": [isolate.virus.biosample_package.removesuffix(".1.0")],
        "owner": {"contacts": [{}], "name": collected_by},
        "package": isolate.virus.biosample_package,
        "publicationDate": published,
        "sampleIds": [
            {"label": "Sample name", "value": sample_name},
            {"db": "SRA", "value": biosample.sra_sample},
        ],
        "status": {"status": "live", "when": published},
        "submissionDate": submitted,
    }
    return f"{encode(fields)}\n".encode()


class AnnotatedFeatures:
    """The coding regions of an annotated record, with their protein accessions."""

    def __init__(self, record: Record) -> None:
        self.record = record
        isolate = record.isolate
        name = f" [isolate={isolate.name}]" if isolate.name else ""
        self.organism_title = f"[organism={isolate.taxon.name}]{name}"
        self._regions = [region for gene in record.genes for region in gene.coding_regions]

    def __iter__(self) -> Iterator[CodingRegion]:
        return iter(self._regions)

    def protein_accession(self, region: CodingRegion) -> str:
        """The protein's accession.version. The proteins of a record have consecutive numbers."""
        prefix, digits = self.record.accession[:2], int(self.record.accession[2:].lstrip("_"))
        serial = digits * MAX_CODING_REGIONS + self._regions.index(region)
        if self.record.isolate.is_refseq:
            return f"YP_{serial:09d}.{self.record.version}"
        series, number = divmod(serial, 10_000_000)
        return f"{'QR'[series]}{prefix}{number:07d}.{self.record.version}"

    def on_record(self, location: Location) -> Location:
        """A location on the reference, converted to positions on the record."""
        return location.shifted(self.record.first_base - 1)

    def nucleotide_id(self, region: CodingRegion | MaturePeptide) -> str:
        """The location of the feature, such as `MT745738.1:254-13456,13456-21543`."""
        return _seq_id(self.record.accession_version, self.on_record(region.location).ranges)

    def title(self, region: CodingRegion) -> str:
        """The product with organism and isolate, as in FASTA headers."""
        return f"{region.product} {self.organism_title}"


def _gene_fields(features: AnnotatedFeatures, gene: Gene) -> Fields:
    return {
        "cds": [_coding_region_fields(features, gene, region) for region in gene.coding_regions],
        "name": gene.name,
    }


def _coding_region_fields(features: AnnotatedFeatures, gene: Gene, region: CodingRegion) -> Fields:
    protein = features.protein_accession(region)
    # The stop codon is part of the coding region but not of the protein.
    residues = region.location.length // 3 - 1
    title = features.title(region)
    return without_defaults(
        {
            "maturePeptide": [
                _mature_peptide_fields(features, region, peptide, protein) for peptide in region.mature_peptides
            ],
            "name": region.product,
            "nucleotide": _nucleotide_fields(features, region.location, title),
            "otherNames": sorted({gene.name, region.product}),
            "protein": _range_fields(protein, ((1, residues),), title),
            "proteinCompleteness": "COMPLETE",
        }
    )


def _mature_peptide_fields(
    features: AnnotatedFeatures, region: CodingRegion, peptide: MaturePeptide, protein: str
) -> Fields:
    first = _bases_before(region.location, peptide.location) // 3 + 1
    last = first + peptide.location.length // 3 - 1
    title = f"{peptide.product} [polyprotein={region.product}] {features.organism_title}"
    return {
        "name": peptide.product,
        "nucleotide": _nucleotide_fields(features, peptide.location, title),
        "otherNames": [peptide.product],
        "protein": _range_fields(protein, ((first, last),), title),
        "proteinCompleteness": "COMPLETE",
    }


def _bases_before(whole: Location, part: Location) -> int:
    """Number of coding bases of `whole` before the first base of `part`."""
    bases = 0
    for begin, end in whole.ranges:
        if begin <= part.begin <= end:
            return bases + part.begin - begin
        bases += end - begin + 1
    return bases


def _nucleotide_fields(features: AnnotatedFeatures, location: Location, title: str) -> Fields:
    return _range_fields(
        features.record.accession_version,
        features.on_record(location).ranges,
        title,
        orientation="minus" if location.complement else None,
    )


def _range_fields(
    accession_version: str, ranges: tuple[tuple[int, int], ...], title: str, orientation: str | None = None
) -> Fields:
    """A SeqRange: positions are 64-bit integers, which protobuf JSON writes as strings."""
    seq_id = _seq_id(accession_version, ranges)
    return {
        "accessionVersion": accession_version,
        "range": [
            without_defaults({"begin": str(begin), "end": str(end), "orientation": orientation})
            for begin, end in ranges
        ],
        "seqId": seq_id,
        "sequenceHash": f"{crc32(seq_id.encode()):X}",
        "title": title,
    }


def _seq_id(accession_version: str, ranges: tuple[tuple[int, int], ...]) -> str:
    spans = ",".join(f"{begin}-{end}" for begin, end in ranges)
    return f"{accession_version}:{spans}"


@lru_cache(maxsize=4096)
def _counts(genes: tuple[Gene, ...]) -> tuple[int, int, int]:
    regions = [region for gene in genes for region in gene.coding_regions]
    return len(genes), len(regions), sum(len(region.mature_peptides) for region in regions)


def _strain(isolate: Isolate) -> str | None:
    """The strain name, which only vaccine strains have."""
    return isolate.name if isolate.is_vaccine_strain else None


@lru_cache(maxsize=4096)
def _virus_json(taxon: Taxon, name: str, pango_lineage: str | None, strain: str | None) -> str:
    return encode(
        without_defaults({**_organism_fields(taxon, name), "pangolinClassification": pango_lineage, "strain": strain})
    )


@lru_cache(maxsize=256)
def _host_json(taxon: Taxon, name: str, breed: str | None) -> str:
    # Genuine records with human hosts have no common name.
    common_name = None if taxon.name == "Homo sapiens" else taxon.common_name
    breed_names = without_defaults({"breed": breed})
    fields = {**_organism_fields(taxon, name), "commonName": common_name, "infraspecificNames": breed_names}
    return encode(without_defaults(fields))


def _organism_fields(taxon: Taxon, name: str) -> Fields:
    steps = ({"name": step.name, "taxId": step.tax_id} for step in taxon.lineage)
    return {
        "lineage": [{"taxId": taxon.tax_id}] if taxon.is_deleted else list(steps),
        "organismName": name,
        "taxId": taxon.tax_id,
    }


@lru_cache(maxsize=1024)
def _location_json(place: Place) -> str:
    return encode(
        without_defaults(
            {
                "geographicLocation": place.location,
                "geographicRegion": place.region,
                "usaState": place.usa_state,
            }
        )
    )


@lru_cache(maxsize=1024)
def _submitter_json(submitter: Submitter) -> str:
    return encode(
        without_defaults({"affiliation": submitter.affiliation, "country": submitter.country, "names": submitter.names})
    )


def _timestamp(day: date, time_of_day: str = "00:00:00.000") -> str:
    """A BioSample's time, with milliseconds and without time zone."""
    return f"{day}T{time_of_day}"
