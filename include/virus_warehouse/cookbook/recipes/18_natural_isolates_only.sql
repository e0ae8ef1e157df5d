-- Counting right: Which records are not natural isolates?
-- Vaccine strains and viruses passaged in a laboratory host evolve differently: exclude them from rates and trees. NCBI
-- only states it where it applies, hence the `coalesce`.
SELECT
    taxon_name(virus_tax_id) AS virus,
    count(*) AS records,
    count(*) FILTER (is_vaccine_strain) AS vaccine_strains,
    count(*) FILTER (is_lab_host) AS passaged,
    string_agg(DISTINCT lab_host, ', ' ORDER BY lab_host) AS passaged_in,
    count(*) FILTER (NOT coalesce(is_vaccine_strain, false) AND NOT coalesce(is_lab_host, false)) AS natural_isolates
FROM virus_genome_distinct
GROUP BY virus_tax_id
HAVING count(*) FILTER (is_vaccine_strain OR is_lab_host) > 0
ORDER BY virus;
