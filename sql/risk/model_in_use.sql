-- Models that are in use, one for each target that has any.
select arg_max(model_id, promotion_number) as model_id
from release.promotion
where is_promoted
group by target_code
