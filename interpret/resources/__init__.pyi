from interpret.resources.measurement import Measurement as Measurement
from interpret.resources.measurement import measure as measure
from interpret.resources.prediction import Prediction as Prediction
from interpret.resources.prediction import predict as predict
from interpret.resources.workload import Workload as Workload
